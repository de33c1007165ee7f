/* fuzz_prompts.c - files of prompts of both kinds. The first byte chooses the kind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "infer/prompts.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    char path[64];
    if (!size)
        return 0;
    snprintf(path, sizeof path, "/tmp/gradroute-fuzz-%d.%s", (int)getpid(), bytes[0] % 4 ? "jsonl" : "txt");
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes + 1, 1, size - 1, file) != size - 1)
        abort();
    fclose(file);
    gr__prompts list = {0};
    gr_error err = {0};
    if (gr__prompts_read(&list, path, &err) == GR_OK) {
        if (!list.count)
            abort(); /* an empty list is an error */
        for (size_t i = 0; i < list.count; i++)
            if (strlen(list.at[i].text) > list.at[i].length)
                abort();
    } else if (!err.message[0])
        abort(); /* a failure without a word */
    gr__prompts_free(&list);
    unlink(path);
    return 0;
}
