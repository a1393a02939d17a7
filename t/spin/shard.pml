/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three shards, four pages of two chunks, writers that may die at any store.
 *
 * What is modelled: a robust lock whose next owner repairs, and may die doing
 * so; a write that takes a chunk, fills it, publishes it by one index word and
 * frees the old one; compare-and-put by two writers of one record; a page that
 * moves to another shard: the victim is try-locked and asked again whether the
 * page is its own, since the look at the page table was without a lock, its
 * records are copied elsewhere, published, and only then is the page given
 * back and claimed, by compare-and-swap like any other free page.
 *
 * What is claimed, in every state: an index word names memory of its own
 * shard that holds its own record; no acknowledged version is behind; a
 * version is given to one writer only; nothing is written into a page of
 * another; nobody waits for ever.
 *
 * Each #ifdef breaks one rule.  t/guard/spin.t sees that the model without
 * any of them holds in each SCENE, and that with each of them it does not.
 */
#define SHARDS 3
#define PAGES 4
#define CHUNKS 8
#define KEYS 6 /* two in each shard */
#define DEAD 255

#if SCENE == 1
#define DEATHS 1
#else
#define DEATHS 2
#endif

#define shard_of(k) ((k) / 2)
#define page_of(c) ((c) / 2)
#define mine(c) (owner[page_of(c)] == s + 1)

byte owner[PAGES] = 0; /* 0: nobody's; shard + 1 */
bool used[CHUNKS] = false;
byte holds[CHUNKS] = 0; /* key + 1 */
byte version[CHUNKS] = 0;
byte word[KEYS] = 0; /* the index: chunk + 1 */
byte lock[SHARDS] = 0; /* process + 1, or DEAD */
byte deaths = DEATHS;

/* What no process knows. */
byte acknowledged[KEYS] = 0;
bool given[KEYS * 4] = false; /* key * 4 + version */

#define named(k) (word[k] == 0 || \
    (owner[page_of(word[k] - 1)] == shard_of(k) + 1 && \
     holds[word[k] - 1] == k + 1 && version[word[k] - 1] > 0))
#define kept(k) (acknowledged[k] == 0 || \
    (word[k] != 0 && version[word[k] - 1] >= acknowledged[k]))
#define right(k) (named(k) && kept(k))

/* Nothing leaks and nothing that was freed can be read, once a lock is free. */
#define is_named(c) (word[0] == c + 1 || word[1] == c + 1 || \
    word[2] == c + 1 || word[3] == c + 1 || \
    word[4] == c + 1 || word[5] == c + 1)
#define busy(c) (owner[page_of(c)] != 0 && lock[owner[page_of(c)] - 1] != 0)
#define tidy(c) (busy(c) || (used[c] -> is_named(c) : version[c] == 0))
#define no_waste(p) (busy(2 * p) || owner[p] == 0 || \
    used[2 * p] || used[2 * p + 1])
#define page_right(p) (tidy(2 * p) && tidy(2 * p + 1) && no_waste(p))

active proctype monitor()
{
end:
    atomic {
        !(right(0) && right(1) && right(2) && right(3) && right(4) &&
          right(5) && page_right(0) && page_right(1) && page_right(2) &&
          page_right(3));
        assert(false)
    }
}

/* A store, or death before it. */
#define STEP(x) \
    if \
    :: atomic { deaths > 0 -> deaths--; goto die } \
    :: atomic { x } \
    fi

/* A chunk of this shard, from its pages; NONE if there is none. */
#define NONE 200

inline find_chunk(s, but, c)
{
    d_step {
        i = 0;
        c = NONE;
        do
        :: i < CHUNKS && c == NONE ->
            if
            :: mine(i) && !used[i] && page_of(i) != but -> c = i
            :: else
            fi;
            i++
        :: else -> break
        od;
        i = 0
    }
}

inline page_empty(p, answer)
{
    answer = !used[2 * p] && !used[2 * p + 1]
}

/* Chunks that no word of the shard names are wiped and free. */
inline repair(s)
{
    p = 0;
    do
    :: p < PAGES ->
        if
        :: owner[p] == s + 1 ->
            STEP(repair_page(s, p));
            page_empty(p, yes);
            if
            :: yes -> STEP(owner[p] = 0)
            :: else
            fi
        :: else
        fi;
        p++
    :: else -> break
    od;
    p = 0
}

inline repair_chunk(s, n)
{
    used[n] = word[2 * s] == n + 1 || word[2 * s + 1] == n + 1;
    if
    :: !used[n] -> holds[n] = 0; version[n] = 0
    :: else
    fi
}

inline repair_page(s, n)
{
    repair_chunk(s, (2 * n));
    repair_chunk(s, (2 * n + 1))
}

/* A dead owner's lock is held by us, but marked until it is repaired. */
inline enter(s)
{
    atomic {
        (lock[s] == 0 || lock[s] == DEAD);
        dirty = lock[s] == DEAD;
        lock[s] = _pid + 1
    }
    mend(s)
}

inline mend(s)
{
#ifndef NO_REPAIR
    if
    :: dirty -> repair(s)
    :: else
    fi;
#endif
    dirty = false
}

inline leave(s)
{
    atomic { lock[s] = 0 }
}

/* Free page to this shard, or NONE. */
inline claim_page(s, got)
{
    p = 0;
    got = NONE;
    do
    :: p < PAGES && got == NONE ->
        if
        :: owner[p] == 0 ->
#ifdef CLAIM_WITHOUT_SWAP
            STEP(owner[p] = s + 1; got = p)
#else
            STEP(if :: owner[p] == 0 -> owner[p] = s + 1; got = p :: else fi)
#endif
        :: else -> p++
        fi
    :: else -> break
    od;
    if
    :: got != NONE ->
        STEP(used[2 * got] = false; used[2 * got + 1] = false)
    :: else
    fi;
    p = 0
}

/* The record in chunk "from" goes to another page of its shard. */
inline relocate(s, k)
{
    find_chunk(s, page_of(from), c);
    if
    :: c != NONE ->
        STEP(used[c] = true);
        STEP(assert(mine(c)); holds[c] = k + 1);
        STEP(version[c] = version[from]);
#ifndef MOVE_WITHOUT_PUBLISH
        STEP(word[k] = c + 1);
#endif
        STEP(used[from] = false; holds[from] = 0; version[from] = 0)
    :: else
    fi
}

inline relocate_page(v, page)
{
    k2 = 2 * v;
    do
    :: k2 < 2 * v + 2 ->
        if
        :: word[k2] != 0 && page_of(word[k2] - 1) == page ->
            from = word[k2] - 1;
            relocate(v, k2)
        :: else
        fi;
        k2++
    :: else -> break
    od;
    k2 = 0
}

/* Empty a page of the other shard and give it back: to nobody, not to us. */
inline steal_page(s)
{
    /* Any page that looked like the victim's at some time. */
    if
    :: owner[0] == v + 1 -> victim = 0
    :: owner[1] == v + 1 -> victim = 1
    :: owner[2] == v + 1 -> victim = 2
    :: owner[3] == v + 1 -> victim = 3
    :: else -> victim = NONE
    fi;
    if
    :: victim != NONE ->
        try_enter(v, got);
        if
        :: got ->
            mend(v);
            if
#ifndef STALE_LOOK
            :: owner[victim] != v + 1
#endif
            :: else ->
                relocate_page(v, victim);
                page_empty(victim, yes);
                if
                :: yes -> STEP(owner[victim] = 0)
                :: else
                fi
            fi;
            leave(v)
        :: else
        fi
    :: else
    fi;
    victim = 0
}

inline try_enter(s, got)
{
    atomic {
#ifdef STEAL_WITHOUT_LOCK
        got = true;
        dirty = false
#else
        if
        :: lock[s] == 0 || lock[s] == DEAD ->
            dirty = lock[s] == DEAD;
            lock[s] = _pid + 1;
            got = true
        :: else -> got = false
        fi
#endif
    }
}

inline take_chunk(s)
{
    find_chunk(s, NONE, c);
    if
    :: c == NONE ->
        claim_page(s, page);
        if
        :: page == NONE ->
            /* From one of the two others. */
            if
            :: v = (s + 1) % SHARDS
            :: v = (s + 2) % SHARDS
            fi;
            steal_page(s);
            claim_page(s, page)
        :: else
        fi;
        find_chunk(s, NONE, c)
    :: else
    fi
}

inline free_chunk(s, old)
{
    STEP(holds[old] = 0; version[old] = 0);
    STEP(used[old] = false);
    page_empty((page_of(old)), yes);
    if
    :: yes -> STEP(owner[page_of(old)] = 0)
    :: else
    fi
}

inline fill(s)
{
    STEP(assert(mine(c)); holds[c] = key + 1);
    STEP(assert(mine(c)); version[c] = token + 1)
}

inline publish(s)
{
    STEP(word[key] = c + 1)
}

/* Replace the record if it is still at the version that was read. */
inline put_if(s)
{
    enter(s);
    old = word[key] - 1;
    done = false;
    if
#ifndef TOKEN_IGNORED
    :: version[old] != token
#endif
    :: else ->
        take_chunk(s);
        /* Stealing may have moved our own: it is never its own victim. */
        if
        :: c != NONE ->
            STEP(used[c] = true);
#ifdef FREE_BEFORE_PUBLISH
            fill(s);
            free_chunk(s, old);
            publish(s);
#else
#ifdef PUBLISH_BEFORE_FILL
            publish(s);
            fill(s);
#else
            fill(s);
            publish(s);
#endif
            free_chunk(s, old);
#endif
            done = true
        :: else
        fi
    fi;
    leave(s)
}

inline acknowledge()
{
    atomic {
        if
        :: done ->
            assert(!given[key * 4 + token + 1]);
            given[key * 4 + token + 1] = true;
            if
            :: acknowledged[key] < token + 1 -> acknowledged[key] = token + 1
            :: else
            fi
        :: else
        fi;
        done = false
    }
}

proctype writer(byte key; byte turns)
{
    byte i, p, c, k2, from, old, token, page, victim, v;
    bool dirty, yes, got, done;

    do
    :: turns > 0 ->
        turns--;
        enter(shard_of(key));
        token = version[word[key] - 1];
        leave(shard_of(key));
        put_if(shard_of(key));
        acknowledge()
    :: else -> break
    od;
    goto end_alive;
die:
    /* The kernel marks what the dead held. */
#ifndef LOCK_NOT_ROBUST
    atomic {
        if :: lock[0] == _pid + 1 -> lock[0] = DEAD :: else fi;
        if :: lock[1] == _pid + 1 -> lock[1] = DEAD :: else fi;
        if :: lock[2] == _pid + 1 -> lock[2] = DEAD :: else fi
    }
#endif
end_alive:
    skip
}

inline put_record(k, c, s)
{
    owner[page_of(c)] = s + 1;
    used[c] = true;
    holds[c] = k + 1;
    version[c] = 1;
    word[k] = c + 1
}

/* Shard 0 has two pages with a record each, the others one that is full. */
init
{
    atomic {
        put_record(0, 0, 0);
        put_record(1, 2, 0);
        put_record(2, 4, 1);
        put_record(3, 5, 1);
        put_record(4, 6, 2);
        put_record(5, 7, 2);
        run writer(0, 1);
        run writer(2, 1);
#if SCENE == 1 /* two that want a page of the same shard */
        run writer(4, 1)
#else /* two that write the same record */
        run writer(0, 1)
#endif
    }
}
