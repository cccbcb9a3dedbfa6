// What a share that was found in some samples says about the share of all.
#pragma once

#include <taxon/metrics/intervals.h>

#include <span>

namespace taxon {

/// Wilson's score interval (Wilson 1927, "Probable inference, the law of succession, and
/// statistical inference") of a share in [0, 1] found in n > 0 samples: unlike a bootstrap it has a
/// width where the share is 0 or 1, and it stays within [0, 1]. level in (0, 1). Throws
/// OptionError.
Interval wilson_interval(double share, double n, double level = 0.95);

/// The bound that the share of all exceeds with `certainty` in (0, 1): Wilson's, one-sided.
double wilson_lower(double share, double n, double certainty = 0.95);

/// How many samples of weight 1 tell as much (Kish 1965, "Survey sampling", section 8.2):
/// (sum w)^2 / sum w^2; n where there are no weights.
double effective_samples(std::span<const double> weight, std::size_t n);

}  // namespace taxon
