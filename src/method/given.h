/* given.h - by which labels the training of a model that was made elsewhere left documents out, where some are hidden:
 * the words of method given's option `told`, which exports and the command line use too. */
#ifndef GR_METHOD_GIVEN_H
#define GR_METHOD_GIVEN_H

enum { GR__GIVEN_UNKNOWN, GR__GIVEN_REVEALED, GR__GIVEN_TRUE_LABELS };
extern const char *const gr__given_words[]; /* in this order; NULL ends them */

#endif
