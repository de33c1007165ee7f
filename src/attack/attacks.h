/* attacks.h - every attack, one line each: GR_ATTACK(name) for gr__attack_name in name.c (those on other text in
 * relearn.c). */
GR_ATTACK(relearn)
GR_ATTACK(relearn_adjacent)
GR_ATTACK(relearn_retain)
GR_ATTACK(relearn_unrelated)
