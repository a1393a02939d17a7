/* SPDX-License-Identifier: Apache-2.0 */
/* Which sealed cookies have a variable. */
#include "tap.h"

#include <apr_general.h>
#include "sx_env.h"

static apr_pool_t *pool;

static void test_sealed(void)
{
    apr_array_header_t *vars = apr_array_make(pool, 4, sizeof(sx_var));
    const sx_var *var;

    sx_env_add_sealed(vars, "theme", sx_str_of("a \"b\"; %20\xff"), pool);
    sx_env_add_sealed(vars, "__Host-x", sx_str_of("v"), pool);
    sx_env_add_sealed(vars, "a.b", sx_str_of("v"), pool);
    sx_env_add_sealed(vars, "THEME", sx_str_of("v"), pool);
    sx_env_add_sealed(vars, "tab", sx_str_of("a\tb"), pool);
    sx_env_add_sealed(vars, "shell", sx_str_of("() { :;}; x"), pool);
    sx_env_add_sealed(vars, "empty", sx_str_of(""), pool);
    is_int(vars->nelts, 2, "what fits an environment is there, and no more");
    var = &APR_ARRAY_IDX(vars, 0, sx_var);
    is_str(var->name, "SEALED_theme", "a sealed cookie has its variable");
    is_str(var->value, "a \"b\"; %20\xff", "with its value");
    is_str(APR_ARRAY_IDX(vars, 1, sx_var).name, "SEALED_empty",
           "an empty value is one");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_sealed();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
