/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_bridge_conf.h"

#include <string.h>
#include "mod_sx_session_bridge.h"

#define OURS "SessionExtProvideModSession"

/* The directives by which another module keeps the same sessions. */
static bool is_rival(const ap_directive_t *line)
{
    static const char *const names[] = {
        "SessionCookieName", "SessionCookieName2", "SessionDBDCookieName",
        "SessionDBDCookieName2", "SessionDBDPerUser"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcasecmp(line->directive, names[i]))
            return true;
    return false;
}

/* Does a section switch it off again for what is in it? */
static bool switches_off(const ap_directive_t *line)
{
    for (; line; line = line->next)
        if (!strcasecmp(line->directive, OURS) &&
            !strcasecmp(line->args, "off"))
            return true;
    return false;
}

/* The first rival among ${line} and its siblings, or in sections of them. */
static const ap_directive_t *find_rival(const ap_directive_t *line)
{
    const ap_directive_t *found = NULL;

    for (; line && !found; line = line->next) {
        if (is_rival(line))
            found = line;
        else if (line->first_child && !switches_off(line->first_child))
            found = find_rival(line->first_child);
    }
    return found;
}

const char *mod_sx_bridge_check(const mod_sx_use *use, const mod_sx_dir *dir,
                                bool sessions, apr_pool_t *pool)
{
    const ap_directive_t *section = use->line->parent;
    const ap_directive_t *rival;

    if (!mod_sx_bridge_is_bound())
        return OURS ": mod_session is not loaded, or behind this module: "
                    "accepted is On where the LoadModule line of mod_session "
                    "comes before that of mod_session_ext";
    if (!sessions || dir->enabled == 0)
        return OURS ": there are no sessions here: accepted is On beside "
                    "SessionExt On";
    if (dir->encrypt == 0)
        return OURS ": passwords may be among what it keeps: accepted is On "
                    "beside SessionExtEncrypt On";
    rival = find_rival(section ? section->first_child : ap_conftree);
    return rival ? apr_psprintf(pool,
                                "%s at %s:%d: " OURS
                                " keeps these sessions already: accepted is "
                                "one of both",
                                rival->directive, rival->filename,
                                rival->line_num)
                 : NULL;
}

static bool same(const char *a, const char *b, const char *otherwise)
{
    return !strcmp(a ? a : otherwise, b ? b : otherwise);
}

const char *mod_sx_bridge_check_seal(const mod_sx_dir *dir,
                                     const apr_array_header_t *provided)
{
    for (int i = 0; dir->encrypt == 0 && i < provided->nelts; i++) {
        const mod_sx_dir *other =
            APR_ARRAY_IDX(provided, i, const mod_sx_dir *);

        if (same(dir->ns, other->ns, "") &&
            same(dir->store, other->store, MOD_SX_DEFAULT_STORE))
            return "SessionExtEncrypt: Off would write passwords in the clear "
                   "that " OURS " keeps in these sessions: accepted is On, or "
                   "another SessionExtNamespace";
    }
    return NULL;
}
