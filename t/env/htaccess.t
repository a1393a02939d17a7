# SPDX-License-Identifier: Apache-2.0
# A .htaccess file narrows what is exported and switches off; it never widens.
use SxTest;

my $DIR = SxTest::t_dir() . '/runtime/env_ht';

sub put
{
    my ($file, $text) = @_;
    open my $out, '>', "$DIR/$file" or die "$DIR/$file: $!\n";
    print $out $text;
    close $out or die "$DIR/$file: $!\n";
    return;
}

open my $in, '<', SxTest::t_dir() . '/htdocs/ssi/env.shtml' or die "no page\n";
my $page = do { local $/; <$in> };
mkdir "$DIR/$_" or die "$DIR/$_: $!\n"
    for '', qw(all some none all/sub some/sub none/sub);
put("$_/page.shtml", $page)
    for qw(all some none all/sub some/sub none/sub);

my $b = SxTest->browser;
$b->get('/s/cgi/app', h => ['Session-Set: cart=3&role=x&user=alice']);

# The data that a page in $dir sees with this .htaccess there.
sub seen
{
    my ($dir, $text) = @_;
    put("$dir/.htaccess", $text);
    my $r = $b->get("/env_ht/$dir/page.shtml");
    return $r->status if $r->status != 200;
    my $data = $r->env('SESSION_DATA');
    return defined $data ? $data : 'nothing';
}

is(seen('all', ''), 'cart=3&role=x&user=alice', 'all keys are exported here');
is(seen('all', 'SessionExtEnv role'), 'role=x', 'a .htaccess takes two away');
is(seen('all/sub', 'SessionExtEnv cart user role'), 'role=x',
    'one below it brings none back');
is(seen('all/sub', 'SessionExtEnv cart'), 'nothing', 'nor by another choice');
is(seen('all', 'SessionExtEnv Off'), 'nothing', 'a .htaccess takes all away');
is(seen('all/sub', 'SessionExtEnv cart'), 'nothing', 'for those below it too');
is(seen('some', ''), 'cart=3&user=alice', 'two keys are exported here');
is(seen('some', 'SessionExtEnv cart role'), 'cart=3',
    'a .htaccess chooses among them');
is(seen('some', 'SessionExtEnv role'), 'nothing', 'and adds none');
is(seen('none', 'SessionExtEnv cart'), 'nothing',
    'where nothing is exported it changes nothing');
is(seen('none/sub', 'SessionExtEnv cart'), 'nothing', 'nor does one below');

for my $line ('SessionExtEnv On', 'SessionExt On', 'SessionExtEncrypt Off',
    'SessionExtNamespace other', 'SessionExtFlash Off')
{
    my $mark = SxTest::log_mark();
    is(seen('all', $line), 500, "$line is not accepted there");
    my ($name) = split ' ', $line;
    like(SxTest::error_log_since($mark), qr/\b$name\b/,
        'and the log names the directive');
}
is(seen('all', 'SessionExt Off'), 'nothing', 'a .htaccess switches off');
is(seen('all', "SetEnv SESSION_USER root\nSetEnv SESSION_VAR_role admin\n"),
    'cart=3&role=x&user=alice', 'SetEnv in a .htaccess');
is($b->get('/env_ht/all/page.shtml')->env('SESSION_USER'), 'alice',
    'does not change who it is');
is($b->get('/env_ht/all/page.shtml')->env('SESSION_VAR_role'), 'x',
    'nor what they may');

is($b->get('/narrow/cgi/app')->env('SESSION_DATA'), 'user=alice',
    'a CGI below a .htaccess sees what that leaves');
is($b->get('/narrow/php/app.php')->env('SESSION_DATA'), 'user=alice',
    'and so does PHP');
SxTest::done();
