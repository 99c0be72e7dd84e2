// An atlas file as explain asks for it.
#pragma once

#include "explain/atlas_view.h"
#include "store/atlas_store.h"

namespace cajal {

/// The atlas must outlive the view. For one thread at a time.
AtlasView view_of(const AtlasStore& atlas);

}  // namespace cajal
