// All layers, with PyTorch's names, defaults and initialisation. A layer that draws its weights
// takes an Init by reference: same seed, same weights.
#pragma once

#include <taxon/layers/activation.h>
#include <taxon/layers/container.h>
#include <taxon/layers/linear.h>
#include <taxon/layers/norm.h>
#include <taxon/layers/pool.h>
