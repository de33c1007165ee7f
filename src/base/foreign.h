/* foreign.h - text that others wrote: one policy for all readers (docs/files.md, "Text from outside").
 *
 *     size_t skip;
 *     GR_TRY(gr__text_begin(&skip, bytes, length, path, err));        a byte order mark goes, UTF-16 is refused
 *     length = skip + gr__text_unix(bytes + skip, length - skip);     Windows line ends become \n
 *
 *     json_t *object;
 *     GR_TRY(gr__json_foreign(&object, line, n, &(gr__json_from){path, number, "each line holds one {...}"}, err));
 *     const char *digits = gr__json_long(json_object_get(object, "id"));   a number beyond 64 bits
 */
#ifndef GR_BASE_FOREIGN_H
#define GR_BASE_FOREIGN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "gradroute/base.h"

/* "path:line:column" (a part that is 0 is left out), a long path cut at its front; returns place. */
enum { GR__PLACE_SIZE = 256 };
const char *gr__place_text(char place[GR__PLACE_SIZE], const char *path, size_t line, size_t column);

/* ---- Text ---- */

/* How many of the first bytes are a byte order mark of UTF-8: 0 or 3. GR_ERR_FORMAT where the bytes are those of UTF-16
 * or UTF-32, of a compressed file or of Parquet, with the command that converts it. 16 bytes are enough. */
gr_status gr__text_begin(size_t *skip, const void *bytes, size_t length, const char *path, gr_error *err);

/* Windows line ends become \n, in place; returns the new length. */
size_t gr__text_unix(char *text, size_t length);

/* Whether the text is valid UTF-8 without U+0000: what names must be. */
bool gr__text_is_name(const char *text, size_t length);

/* The name in composed form (NFC), a new string; NULL where it is in that form already or is no UTF-8. Names that
 * look alike are one name. */
char *gr__text_compose(const char *text, size_t length);

/* ---- JSON ---- */

/* Where a JSON text stands, for errors. line 0: the parser counts the lines. */
typedef struct gr__json_from {
    const char *path;
    size_t line;
    const char *hint;
    bool exact; /* every member is used: a number beyond 64 bits or a key with U+0000 is an error */
} gr__json_from;

/* Parses any JSON value. U+0000 in strings is read. A number beyond 64 bits becomes an object that gr__json_long knows
 * and every other use takes for one; a key with U+0000 gets another name. GR_ERR_FORMAT for what is no JSON, for bytes
 * that are no UTF-8 and for an object that names a member twice. */
gr_status gr__json_foreign(json_t **value, const char *text, size_t length, const gr__json_from *from, gr_error *err);

/* How a number beyond 64 bits is written, or NULL. */
const char *gr__json_long(const json_t *value);

/* The member of this name, names compared as gr__text_compose makes them. */
json_t *gr__json_member_named(const json_t *object, const char *name);

#endif
