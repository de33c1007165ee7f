/* attacks.h - every attack, one line each: GR_ATTACK(name) for gr__attack_name in name.c. */
GR_ATTACK(relearn)
