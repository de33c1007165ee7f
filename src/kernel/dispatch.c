/* dispatch.c - one table of kernels per instruction set, and the choice among them. */
#include "base/log.h"
#include "kernel/vec.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#ifdef GR_HAS_X86
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* A table is filled by functions that are compiled for its own instruction set: on a processor without it the first of
 * them would already be an illegal instruction. So a table is filled only once the processor has been asked. */
#define FILL(which)                           \
    static void fill_##which(gr_kernels *k) { \
        k->isa = #which;                      \
        gr__##which##_fill_arith(k);          \
        gr__##which##_fill_half(k);           \
        gr__##which##_fill_gemv(k);           \
        gr__##which##_fill_activation(k);     \
        gr__##which##_fill_norm(k);           \
        gr__##which##_fill_loss(k);           \
        gr__##which##_fill_attention(k);      \
        gr__##which##_fill_optim(k);          \
    }

FILL(base)
static bool has_base(void) { return true; }

/* ---- what an x86-64 processor has beyond the narrower sets ---- */

/* GR_HAS_X86: the build has the objects for AVX2, AVX-512, AVX-512 with bfloat16 products, and these with tiles. */
#ifdef GR_HAS_X86
FILL(avx2)
FILL(avx512)
FILL(bf16)
FILL(amx)

/* The features of the level x86-64-v3, one by one: not every compiler knows the levels by name here, nor the last three
 * of the features. */
static bool has_avx2(void) {
    enum { MOVBE = 1 << 22, F16C = 1 << 29, LZCNT = 1 << 5 }; /* leaf 1, ecx; leaf 0x80000001, ecx */
    unsigned a, b, c, d, more;
    __builtin_cpu_init();
    if (!__get_cpuid(1, &a, &b, &c, &d) || !__get_cpuid(0x80000001u, &a, &b, &more, &d))
        return false;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt") && (c & MOVBE) && (c & F16C) &&
           (more & LZCNT);
}

/* Those that the level x86-64-v4 adds. */
static bool has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

static bool has_bf16(void) { return __builtin_cpu_supports("avx512bf16"); }

/* Whether the processor has tiles of bfloat16 and the system lets this process use them, which it must be asked for:
 * only where all the rest is there, since what a system answers to a request that it does not know is its own affair.
 */
static bool has_amx(void) {
    enum { REQUEST = 0x1023, TILE_DATA = 18, BF16_BIT = 1 << 22, TILE_BIT = 1 << 24 }; /* asm/prctl.h; leaf 7, edx */
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & BF16_BIT) || !(d & TILE_BIT))
        return false;
#ifdef SYS_arch_prctl
    return syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
#else
    return false;
#endif
}
#endif

/* ---- the choice -------------------------------------------------------------------------------------------------- */

/* From the narrowest to the widest: each has what those before it have, and `has` asks only for what it adds. */
static const struct isa {
    const char *name;
    bool (*has)(void);
    void (*fill)(gr_kernels *k);
} isas[] = {
    {"base", has_base, fill_base},
#ifdef GR_HAS_X86
    {"avx2", has_avx2, fill_avx2}, {"avx512", has_avx512, fill_avx512},
    {"bf16", has_bf16, fill_bf16}, {"amx", has_amx, fill_amx},
#endif
};
enum { ISAS = sizeof isas / sizeof *isas };

/* Each written once, then constant. */
static gr_kernels tables[ISAS];
static pthread_mutex_t filling = PTHREAD_MUTEX_INITIALIZER;
static const gr_kernels *chosen;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The widest set that this processor has, no wider than `most`. */
static int widest(int most) {
    int i = 0;
    while (i < most && isas[i + 1].has())
        i++;
    return i;
}

/* The set of that name, -1 if there is none. */
static int find(const char *name) {
    for (int i = 0; i < ISAS; i++)
        if (strcmp(isas[i].name, name) == 0)
            return i;
    return -1;
}

/* The table of a set that the processor has. */
static const gr_kernels *table(int i) {
    pthread_mutex_lock(&filling);
    if (!tables[i].isa)
        isas[i].fill(&tables[i]);
    pthread_mutex_unlock(&filling);
    return &tables[i];
}

/* The widest set, or one that GRADROUTE_ISA allows: it can narrow the choice, never widen it. */
static void choose(void) {
    int most = ISAS - 1;
    const char *wish = getenv("GRADROUTE_ISA");

    if (wish && *wish) {
        int i = find(wish);
        if (i >= 0)
            most = i;
        else
            gr_log_line(1, "GRADROUTE_ISA=%s ignored: this build has %s", wish,
                        ISAS > 1 ? "base, avx2, avx512, bf16, amx" : "base");
    }
    chosen = table(widest(most));
}

const gr_kernels *gr_kernel(void) {
    pthread_once(&once, choose);
    return chosen;
}

const char *gr_kernel_isa(void) { return gr_kernel()->isa; }

const gr_kernels *gr__kernel_get(const char *isa) {
    int i = find(isa);
    return i >= 0 && widest(i) == i ? table(i) : NULL;
}
