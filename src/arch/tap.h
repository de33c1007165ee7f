/* tap.h - names of taps: builders make them here, and whoever has a name alone asks here what it says.
 *
 *     gr__tap_name(text, sizeof text, "bio", 3, "mlp.hidden");        bio.layers.3.mlp.hidden
 *     gr__tap_in_core("bio.layers.3.mlp.hidden", "bio")               layers.3.mlp.hidden
 *     gr__tap_in_core("layers.3.mlp.hidden", "bio")                   NULL: it is a tap of the core
 */
#ifndef GR_ARCH_TAP_H
#define GR_ARCH_TAP_H

#include <stdbool.h>
#include <stddef.h>

/* A tap in a layer, of a region's own values or (region NULL) of the core's. */
void gr__tap_name(char *text, size_t size, const char *region, int layer, const char *name);

/* Of a tap on the region's own values the name that the core's tap on the same kind of values has, a part of the same
 * text; NULL: the tap is not the region's own. */
const char *gr__tap_in_core(const char *tap, const char *region);

/* The tap on what a block of a layer ("attn" or "mlp") adds to the stream, which only layers that a region owns whole
 * have; and whether a tap is one. */
void gr__tap_write_name(char *text, size_t size, int layer, const char *block);
bool gr__tap_is_write(const char *tap);

#endif
