// An atlas file as explain asks for it.
#pragma once

#include "explain/atlas_view.h"
#include "service/session.h"
#include "store/atlas_store.h"

namespace cajal {

/// Both must outlive the view. For one thread at a time. Its functions throw what AtlasStore does.
AtlasView view_of(const AtlasStore& atlas, const Session& session);

}  // namespace cajal
