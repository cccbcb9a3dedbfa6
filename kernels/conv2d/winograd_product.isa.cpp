// The products of f32.
#include "winograd_product.h"
