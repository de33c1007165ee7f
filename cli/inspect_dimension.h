/* inspect_dimension.h - a part of `gradroute inspect`. */
#ifndef GR_CLI_INSPECT_DIMENSION_H
#define GR_CLI_INSPECT_DIMENSION_H

#include "common.h"

/* Prints the `top` tokens of a dimension. */
gr_status gr__inspect_dimension(const gr__common *common, int dimension, int top, gr_error *err);

#endif
