// A comparison for tests of its pictures.
#pragma once

#include "explain/chart/versus_chart.h"

namespace cajal::testing {

/// Dallas beside Oakland; every number is invented.
VersusChart states_chart();

}  // namespace cajal::testing
