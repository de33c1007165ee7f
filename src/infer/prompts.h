/* prompts.h - files of prompts: one a line, or JSON Lines with settings of their own.
 *
 *     gr__prompts list = {0};
 *     GR_TRY(gr__prompts_read(&list, "prompts.jsonl", err));
 *     for (size_t i = 0; i < list.count; i++)
 *         use(list.at[i].text, list.at[i].length);
 *     gr__prompts_free(&list);
 *
 * A name that ends in .jsonl or .json: each line that is not blank is an object with the members
 *     prompt   text, may be empty
 *     off      list of regions to switch off (may be left out)
 *     seed     of the draws, an integer from 0 (may be left out)
 * and no others. Any other name: each line that is not empty is a prompt, without its end of line ("\n", "\r\n"). */
#ifndef GR_INFER_PROMPTS_H
#define GR_INFER_PROMPTS_H

#include "gradroute/base.h"

typedef struct gr__prompt {
    const char *text;
    size_t length;
    const char **off; /* [offs] names of regions */
    int offs;
    bool seeded; /* the record has a seed */
    uint64_t seed;
} gr__prompt;

typedef struct gr__prompts {
    gr__prompt *at; /* [count] */
    size_t count, capacity;
    struct gr_arena *arena;
} gr__prompts;

/* Appends the prompts of a file. GR_ERR_INPUT or GR_ERR_IO where it cannot be read, GR_ERR_FORMAT with
 * file:line:column for records that are no such objects and for a file without a prompt; the list then holds what came
 * before. */
gr_status gr__prompts_read(gr__prompts *list, const char *path, gr_error *err);
void gr__prompts_free(gr__prompts *list);

#endif
