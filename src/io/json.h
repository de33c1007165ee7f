/* json.h - jansson with our errors and our way of writing files.
 *
 *     json_t *manifest;
 *     const char *arch;
 *     GR_TRY(gr_json_read(&manifest, "model/manifest.json", err));
 *     json_t *value;
 *     GR_TRY(gr_json_member(manifest, &value, "arch", JSON_STRING, "model/manifest.json", err));
 *     arch = json_string_value(value);
 *     json_decref(manifest);
 *
 * Duplicate keys, invalid UTF-8, NUL characters and anything after the value are GR_ERR_FORMAT with file:line:column.
 */
#ifndef GR_IO_JSON_H
#define GR_IO_JSON_H

#include <jansson.h>

#include "gradroute/base.h"
#include "io/digest.h"

gr_status gr_json_parse(json_t **value, const void *text, size_t length, const char *place, gr_error *err);
gr_status gr_json_read(json_t **value, const char *path, gr_error *err);

/* Indented, keys in the order in which they were set, a newline at the end, atomically. */
gr_status gr_json_write(const json_t *value, const char *path, gr_error *err);

/* A value on one line, a new string: no spaces, reals with 17 digits (and a point or an exponent), so that digests of
 * it hold on every machine, where versions of jansson differ. sorted: members of objects by their keys. Not for what
 * may lead into itself. */
char *gr_json_line(const json_t *value, bool sorted);

/* SHA-256 of an object without its member "sha256", as gr_json_line with sorted keys: what a manifest says of itself.
 */
void gr_json_seal(char hex[GR_DIGEST_HEX], const json_t *object);

/* A text of any bytes, never NULL: each byte that is part of no valid character becomes U+FFFD, so that paths and other
 * texts from outside may stand in JSON. json_string gives NULL for them, and json_pack then for the whole. */
json_t *gr_json_text(const char *text);
json_t *gr_json_bytes(const char *bytes, size_t n);

/* The same as it stands in a JSON text, in quotes; a new string. */
char *gr_json_quoted(const char *text);

/* A borrowed member of an object; missing or of another type is GR_ERR_FORMAT. JSON_REAL takes integers too. */
gr_status gr_json_member(const json_t *object, json_t **value, const char *key, json_type type, const char *place,
                         gr_error *err);

#endif
