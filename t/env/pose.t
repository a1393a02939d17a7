# SPDX-License-Identifier: Apache-2.0
# Neither SetEnv nor a client's headers can pose as a session; variables that
# only sound like ours are left alone.
use SxTest;

my %CLIENT = map { my $name = $_; map { ($_ => 'posed') }
        $name, $name =~ tr/_/-/r, "REDIRECT_$name" =~ tr/_/-/r }
    qw(SESSION_STATUS SESSION_USER SESSION_VAR_role SESSION_DATA FLASH_info
       SESSION_HANDLE SESSION_EXT_TICKET SEALED_theme);
my @OWN = qw(FLASH_Mode SESSION_DATA_DIR SESSION_LIMIT SESSION_VARIANT);

sub ours
{
    my ($r) = @_;
    return join ' ', sort grep { /^(?:REDIRECT_)*(?:SESSION|FLASH|SEALED)/ }
        keys %{ $r->envs };
}

for my $app ('cgi/app', 'php/app.php', 'ssi/env.shtml') {
    my $b = SxTest->browser;
    my $own = $app =~ /ssi/ ? '' : " @OWN";
    my $sorted = join ' ', sort split ' ', "SESSION_STATUS$own";
    my $r = $b->get("/env_pose/$app");
    is($r->env('SESSION_STATUS'), 'none', "$app: there is no session");
    is(ours($r), $sorted, "$app: and no variable that says so");
    $b->set_cookie(sid => 'A' x 48);
    $r = $b->get("/env_pose/$app");
    is($r->env('SESSION_STATUS'), 'invalid', "$app: a forged cookie is one");
    is(ours($r), $sorted, "$app: without any variable of a session");
    $b->forget;

    $b->get('/s/cgi/app', h => ['Session-Set: a=1']);
    $r = $b->get("/env_pose/$app");
    is($r->env('SESSION_STATUS'), 'active', "$app: a session");
    is($r->env('SESSION_DATA'), 'a=1', "$app: has the data that it has");
    is(join(' ', map { defined $r->env($_) ? $_ : () } qw(SESSION_USER
        SESSION_VAR_role SESSION_DATA_1 SESSION_DATA_PARTS FLASH_COUNT
        FLASH_info FLASH_1_LEVEL SESSION_ENV_OMITTED SEALED_theme
        SESSION_EXT_TICKET
        SESSION_VAR_if SESSION_VAR_expr SESSION_VAR_rewrite)), '',
        "$app: and nothing more");
    isnt($r->env('SESSION_EXPIRES'), 1, "$app: ends when it ends");
}

for my $app ('cgi/app', 'php/app.php') {
    my $r = SxTest->browser->get("/s/$app", header => \%CLIENT);
    is(ours($r), 'SESSION_STATUS', "$app: a client's headers pose as nothing");
    is($r->env('SESSION_STATUS'), 'none', "$app: not as a status either");
    my $own = SxTest->browser->get("/env_pose/$app");
    is($own->env($_), 'mine', "$app: $_ is not ours and stays") for @OWN;
}
SxTest::done();
