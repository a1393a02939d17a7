<?php
// SPDX-License-Identifier: Apache-2.0
// APCu under the load of load.h, as PHP uses it: php apcu.php RECORDS BYTES.
// Its memory is shared by fork, so workers are forked here, too.
//
// What PHP itself takes for a turn of the loop (the key, the choice) is
// measured by a loop that asks nothing and taken off: the figures are those of
// apcu_fetch and apcu_store alone.

declare(strict_types=1);

const WORKERS = 2;
const KEY_LEN = 32;
const BATCH = 32;
const FOUND_MAX = 20000;
const STORM_RECORDS = 10000;
const HANG_NS = 5_000_000_000;

final class Load
{
    public string $keys = '';       // one long string: no array of them
    private string $filler;
    public int $random = 1;

    public function __construct(public int $records, public int $bytes)
    {
        $this->filler = str_repeat('v', $bytes - 8);
        for ($i = 0; $i < $records; $i++) {
            $this->keys .= hash('sha256', pack('P', $i), true);
        }
    }

    public function key(int $record): string
    {
        return substr($this->keys, $record * KEY_LEN, KEY_LEN);
    }

    public function value(int $record): string
    {
        return pack('P', $record) . $this->filler;
    }

    public function fill(): int
    {
        $failed = 0;
        for ($i = 0; $i < $this->records; $i++) {
            $failed += (int) !apcu_store($this->key($i), $this->value($i));
        }
        return $failed;
    }

    // Returns [operations, failed, wall ns, CPU ns].  Without ${ask} nothing
    // is asked of APCu, and all else is done.
    public function run(string $what, bool $ask, array $part, int $ns): array
    {
        $constant = $this->value(0);
        $ops = $failed = 0;
        $cpu = cpu_ns();
        $begin = hrtime(true);
        do {
            for ($i = 0; $i < BATCH; $i++) {
                $is_put = $what === 'put'
                    || ($what === 'mix' && $this->pick(10) === 0);
                $failed += (int) !($is_put ? $this->put($ask, $part)
                    : $this->get($ask, $constant));
            }
            $ops += BATCH;
            $wall = hrtime(true) - $begin;
        } while ($wall < $ns);
        return [$ops, $failed, $wall, cpu_ns() - $cpu];
    }

    private function pick(int $below): int
    {
        $x = $this->random;
        $x ^= ($x << 13) & 0xffffffff;
        $x ^= $x >> 17;
        $x ^= ($x << 5) & 0xffffffff;
        $this->random = $x;
        return ($x * $below) >> 32;
    }

    // The next record depends on the value: its first byte becomes 0 here.
    private function get(bool $ask, string $constant): bool
    {
        $record = $this->pick($this->records);
        $key = $this->key($record);
        $value = $ask ? apcu_fetch($key) : $constant;
        if (!is_string($value)) {
            return false;
        }
        $dependence = ord($value[0]) ^ ($record & 0xff);
        $this->random ^= $ask ? $dependence : 0;
        return $dependence === 0;
    }

    private function put(bool $ask, array $part): bool
    {
        [$first, $share] = $part;
        $record = $first + $this->pick($share);
        $key = $this->key($record);
        $value = $this->value($record);
        return $ask ? apcu_store($key, $value) : $key !== $value;
    }
}

function cpu_ns(): int
{
    $u = getrusage();
    return ($u['ru_utime.tv_sec'] + $u['ru_stime.tv_sec']) * 1_000_000_000
        + ($u['ru_utime.tv_usec'] + $u['ru_stime.tv_usec']) * 1000;
}

function say(string $format, mixed ...$values): void
{
    fwrite(STDOUT, sprintf($format, ...$values) . "\n");
}

function used(): int
{
    $info = apcu_sma_info(true);
    return (int) ($info['num_seg'] * $info['seg_size'] - $info['avail_mem']);
}

// ---- workers: each obeys lines from its end of a socket ----------------------

function work(Load $load, int $index, $socket): never
{
    $load->random = $index + 1;
    // Each page of shared memory is a fault for each new process.
    for ($i = 0; $i < $load->records; $i++) {
        apcu_fetch($load->key($i));
    }
    fwrite($socket, "ready\n");
    while (($line = fgets($socket)) !== false) {
        [$what, $workers, $ms] = explode(' ', trim($line));
        $share = intdiv($load->records, (int) $workers);
        $part = [$index * $share, $share];
        // The shortest of three, by CPU time, which others disturb less.
        $loop = min(array_map(function () use ($load, $what, $part): float {
            [$ops, , , $cpu] = $load->run($what, false, $part, 10_000_000);
            return $cpu / $ops;
        }, [1, 2, 3]));
        $result = $load->run($what, true, $part, $ms * 1_000_000);
        $result[2] -= (int) ($loop * $result[0]);
        $result[3] -= (int) ($loop * $result[0]);
        fwrite($socket, implode(' ', $result) . "\n");
    }
    exit(0);
}

function fork_workers(Load $load): array
{
    $sockets = [];
    for ($index = 0; $index < WORKERS; $index++) {
        [$ours, $theirs] = stream_socket_pair(STREAM_PF_UNIX,
            STREAM_SOCK_STREAM, 0);
        if (pcntl_fork() === 0) {
            fclose($ours);
            array_map(fclose(...), $sockets);
            work($load, $index, $theirs);
        }
        fclose($theirs);
        $sockets[] = $ours;
    }
    array_map(fgets(...), $sockets);
    return $sockets;
}

function measure(array $sockets, string $what, int $workers, int $ms): void
{
    $sum = [0, 0, 0, 0];
    for ($i = 0; $i < $workers; $i++) {
        fwrite($sockets[$i], "$what $workers $ms\n");
    }
    for ($i = 0; $i < $workers; $i++) {
        $one = array_map(intval(...), explode(' ', fgets($sockets[$i])));
        $sum = [$sum[0] + $one[0], $sum[1] + $one[1], max($sum[2], $one[2]),
            $sum[3] + $one[3]];
    }
    say('%s workers %d ops %d wall %d cpu %d failed %d', $what, $workers,
        $sum[0], $sum[2], $sum[3], $sum[1]);
}

function found(Load $load): void
{
    $found = $looked = 0;
    $step = intdiv($load->records, FOUND_MAX) + 1;
    for ($i = 0; $i < $load->records; $i += $step) {
        $looked++;
        $found += (int) (apcu_fetch($load->key($i)) === $load->value($i));
    }
    say('found found %d looked %d', $found, $looked);
}

// ---- kill -9: see storm.c ----------------------------------------------------

// Numbers that outlive a killed writer: which write of a record was the last
// that was acknowledged, and what each process has done.
final class Notes
{
    private Shmop $memory;

    public function __construct(int $count)
    {
        $key = random_int(1, 0x7fffffff);
        $this->memory = shmop_open($key, 'n', 0600, 8 * $count);
        // Away when the last process ends, whatever way it does.
        shmop_delete($this->memory);
    }

    public function get(int $at): int
    {
        return unpack('P', shmop_read($this->memory, 8 * $at, 8))[1];
    }

    public function set(int $at, int $value): void
    {
        shmop_write($this->memory, pack('P', $value), 8 * $at);
    }

    public function add(int $at, int $more): void
    {
        $this->set($at, $this->get($at) + $more);
    }
}

final class Storm
{
    private const PROGRESS = STORM_RECORDS; // and the two after it
    private const FAILED = self::PROGRESS + 3; // a writer's own: two
    private const TORN = self::FAILED + 2;
    private const MIXED = self::TORN + 2;   // live and afterwards
    private const LOST = self::MIXED + 2;
    private const DONE = self::LOST + 1;
    private const STOP = self::DONE + 1;

    private Notes $notes;
    private int $records;
    private array $pids = [];
    private int $longest = 0;

    public function __construct(private Load $load)
    {
        $this->notes = new Notes(self::STOP + 1);
        $this->records = min($load->records, STORM_RECORDS);
    }

    private function value(int $record, int $write): string
    {
        $head = pack('PP', $record, $write);
        $body = hash('sha256', $head, true);
        return $head . substr(str_repeat($body,
            intdiv($this->load->bytes, 32) + 1), 0, $this->load->bytes - 16);
    }

    private function writeNext(int $record): bool
    {
        $write = $this->notes->get($record) + 1;
        $value = $this->value($record, $write);
        if (!apcu_store($this->load->key($record), $value)) {
            return false;
        }
        $this->notes->set($record, $write);
        return true;
    }

    // Which write of the record is there; what is wrong is counted for ${who}.
    private function look(int $record, int $who): int
    {
        $have = apcu_fetch($this->load->key($record));
        if (!is_string($have)) {
            return 0;
        }
        $head = strlen($have) === $this->load->bytes
            ? unpack('Precord/Pwrite', $have) : null;
        if (!$head || $have !== $this->value($head['record'], $head['write'])) {
            $this->notes->add(self::TORN + $who, 1);
            return 0;
        }
        if ($head['record'] !== $record) {
            $this->notes->add(self::MIXED + $who, 1);
            return 0;
        }
        return $head['write'];
    }

    private function spawn(int $index): void
    {
        $pid = pcntl_fork();
        if ($pid !== 0) {
            $this->pids[$index] = $pid;
            return;
        }
        mt_srand(posix_getpid());
        $half = intdiv($this->records, 2);
        while ($this->notes->get(self::STOP) === 0) {
            if ($index === 2) {
                $this->look(mt_rand(0, $this->records - 1), 0);
            } elseif (!$this->writeNext($index * $half
                    + mt_rand(0, $half - 1))) {
                $this->notes->add(self::FAILED + $index, 1);
            }
            $this->notes->add(self::PROGRESS + $index, 1);
        }
        exit(0);
    }

    private function getsOn(int $index): bool
    {
        $was = $this->notes->get(self::PROGRESS + $index);
        $end = hrtime(true) + HANG_NS;
        while ($this->notes->get(self::PROGRESS + $index) === $was) {
            if (hrtime(true) > $end) {
                return false;
            }
            usleep(10);
        }
        return true;
    }

    private function ends(int $pid, int $ns): bool
    {
        $end = hrtime(true) + $ns;
        while (pcntl_waitpid($pid, $status, WNOHANG) === 0) {
            if (hrtime(true) > $end) {
                posix_kill($pid, SIGKILL);
                pcntl_waitpid($pid, $status);
                return false;
            }
            usleep(1000);
        }
        return true;
    }

    private function kill(int $victim): bool
    {
        usleep(mt_rand(200, 3200));
        posix_kill($this->pids[$victim], SIGKILL);
        pcntl_waitpid($this->pids[$victim], $status);
        $begin = hrtime(true);
        if (!$this->getsOn(1 - $victim)) {
            return false;
        }
        $this->longest = max($this->longest, hrtime(true) - $begin);
        $this->spawn($victim);
        return true;
    }

    // In a process of its own, which may hang.
    private function check(): bool
    {
        $pid = pcntl_fork();
        if ($pid !== 0) {
            return $this->ends($pid, 10_000_000_000)
                && $this->notes->get(self::DONE) === 1;
        }
        for ($i = 0; $i < $this->records; $i++) {
            if ($this->look($i, 1) < $this->notes->get($i)) {
                $this->notes->add(self::LOST, 1);
            }
        }
        $this->notes->set(self::DONE, 1);
        exit(0);
    }

    private function blow(int $kills, int &$done): bool
    {
        while ($done < $kills) {
            $victim = $done % 2;
            if (!$this->getsOn($victim)) {
                return false;
            }
            $done++;
            if (!$this->kill($victim)) {
                return false;
            }
        }
        if ($kills === 0) {
            usleep(200_000);
        }
        return $this->getsOn(0) && $this->getsOn(1) && $this->getsOn(2);
    }

    public function run(int $kills): void
    {
        for ($i = 0; $i < $this->records; $i++) {
            $this->writeNext($i);
        }
        array_map($this->spawn(...), [0, 1, 2]);
        $done = 0;
        $answers = $this->blow($kills, $done);
        $this->notes->set(self::STOP, 1);
        foreach ($this->pids as $pid) {
            $this->ends($pid, $answers ? HANG_NS : 0);
        }
        $answers = $answers && $this->check();
        say('storm kills %d answers %d lost %d torn %d mixed %d failed %d '
            . 'longest %d', $done, $answers, $this->notes->get(self::LOST),
            $this->notes->get(self::TORN) + $this->notes->get(self::TORN + 1),
            $this->notes->get(self::MIXED) + $this->notes->get(self::MIXED + 1),
            $this->notes->get(self::FAILED)
                + $this->notes->get(self::FAILED + 1), $this->longest);
    }
}

// ---- orders ------------------------------------------------------------------

if (!function_exists('apcu_enabled') || !apcu_enabled()
        || !function_exists('pcntl_fork') || !function_exists('shmop_open')) {
    say('absent not installed');
    exit(0);
}
$empty = used();
$load = new Load((int) $argv[1], (int) $argv[2]);
$begin = hrtime(true);
$failed = $load->fill();
say('filled records %d wall %d failed %d', $load->records,
    hrtime(true) - $begin, $failed);
$sockets = null;
while (($line = fgets(STDIN)) !== false) {
    $words = explode(' ', trim($line));
    if (in_array($words[0], ['get', 'put', 'mix'], true)) {
        $sockets ??= fork_workers($load);
        measure($sockets, $words[0], (int) $words[1], (int) $words[2]);
    } elseif ($words[0] === 'found') {
        found($load);
    } elseif ($words[0] === 'used') {
        say('used bytes %d', used() - $empty);
    } elseif ($words[0] === 'storm') {
        (new Storm($load))->run((int) $words[1]);
    } else {
        say('cannot %s', trim($line));
    }
}
