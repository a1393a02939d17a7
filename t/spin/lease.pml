/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lease of the cleanup thread: a nonce and a heartbeat.  A holder that is
 * late loses it to whoever looks, and may not know yet; two runners are
 * correct, so that is no fault.
 *
 * What is claimed: a lease is taken only from who was seen to be late, or to
 * have none; nobody gives up another's; and when the holder dies, at any
 * step, or stops, or leaves, who is left becomes the runner in the end.
 *
 * Each #ifdef breaks one rule; see t/guard/spin.t.
 */
byte nonce = 0; /* 0: nobody's */
bool fresh = false; /* the heartbeat is young enough */
bool runner[3] = false;
bool gone = false;

/* Hold it, or get it: free, ours, or lapsed. */
inline hold(me)
{
    runner[me] = false;
    atomic { seen = nonce; young = fresh }
    if
    :: seen == me
    :: seen != me ->
        if
#ifdef LAPSE_IGNORED
        :: seen != 0
#else
        :: seen != 0 && young
#endif
        :: else ->
#ifdef TAKEN_WITHOUT_SWAP
            atomic { assert(nonce == seen); nonce = me; seen = me }
#else
            atomic {
                if
                :: nonce == seen -> nonce = me; seen = me
                :: else
                fi
            }
#endif
        fi
    fi;
    if
    :: seen == me -> fresh = true; runner[me] = true
    :: else
    fi
}

inline drop(me)
{
    runner[me] = false;
#ifdef DROPPED_WITHOUT_SWAP
    atomic { assert(nonce == me || nonce == 0); nonce = 0 }
#else
    atomic { if :: nonce == me -> nonce = 0 :: else fi }
#endif
}

/* Runs, may be stopped for any time, may leave, may be killed. */
active proctype mortal()
{
    byte seen;
    bool young;

    do
    :: hold(1)
    :: drop(1); break
    :: break /* killed */
    :: nonce == 1 -> fresh = true; break /* killed behind a heartbeat */
    od;
    runner[1] = false;
    gone = true
}

active proctype heir()
{
    byte seen;
    bool young;

end:
    do
    :: hold(2)
    od
}

/* Time passes: a heartbeat that nobody renews gets old. */
active proctype clock()
{
end:
    do
    :: fresh -> fresh = false
    od
}

ltl goes_on { [](gone -> <>runner[2]) }
