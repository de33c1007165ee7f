/* Files of questions from anywhere: refused with a place and a reason, or every question has its choices and an answer
 * among them. */
#include "forge.h"
#include "measure/questions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gr_forge in = {data, size};
    gr__question_form form = (gr__question_form)(gr_forge_byte(&in) % 3);
    char path[FORGE_PATH];
    int fd = gr_forge_file(path, in.data, in.size);
    gr__questions *q;
    gr_error err = {0};
    if (gr__questions_open(&q, path, form, &err) == GR_OK) {
        check(q->count > 0);
        for (size_t i = 0; i < q->count; i++) {
            check(q->list[i].choices >= 2 && q->list[i].answer >= 0 && q->list[i].answer < q->list[i].choices);
            for (int k = 0; k < q->list[i].choices; k++)
                check(q->list[i].choice[k][0] == ' ');
        }
    } else {
        check(!q && err.place[0] && err.message[0]);
    }
    gr__questions_free(q);
    close(fd);
    return 0;
}
