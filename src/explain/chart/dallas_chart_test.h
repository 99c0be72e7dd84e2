// A chart for tests of its pictures: every number in it is invented.
#pragma once

#include "explain/chart/chart.h"

namespace cajal::testing {

Chart dallas_chart();

/// Twelve ideas in a row of columns, edges that skip some, labels that try to be markup: what the
/// pictures have to bear. The same for the same number.
Chart crowded_chart(unsigned number);

}  // namespace cajal::testing
