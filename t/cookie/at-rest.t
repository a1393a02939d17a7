# SPDX-License-Identifier: Apache-2.0
# H1: the store never holds an id; and where values are sealed, no key, value,
# user or message can be read in it.
use SxTest;

use MIME::Base64 qw(decode_base64);

my $server = SxTest::Server->new(scopes => 1);
$server->start;

my @ids;
for my $scope (qw(s plain)) {
    my $b = $server->browser;
    for my $headers (["Session-Set: key_$scope=value_$scope&user=user_$scope",
        "Session-Flash: info=flash_$scope"], ['Session-Renew: on'])
    {
        $b->get("/$scope/cgi/app", h => $headers, status => 302);
        push @ids, $b->cookie('sid');
    }
    is($b->get("/$scope/cgi/app", status => 302)->env("SESSION_VAR_key_$scope"),
        "value_$scope", "$scope: the session is there");
}
$server->stop;

my ($file) = grep { -s > 1_000_000 } glob $server->runtime_dir . '/*';
ok($file, 'the store is a file');
open my $in, '<:raw', $file or die "$file: $!\n";
my $bytes = do { local $/; <$in> };
for my $id (@ids) {
    my $raw = decode_base64($id =~ tr{_-}{/+}r);
    is(length $raw, 36, 'an id has 36 bytes');
    is(index($bytes, $id), -1, 'its text is not in the store');
    is(index($bytes, $raw), -1, 'nor are its bytes');
    is(index($bytes, substr $raw, 2, 18), -1, 'nor its random part');
    is(index($bytes, substr $raw, 20, 16), -1, 'nor its MAC');
}
is(index($bytes, "${_}_s"), -1, "a sealed $_ cannot be read")
    for qw(key value user flash);
cmp_ok(index($bytes, "${_}_plain"), '>', 0,
    "a $_ can where they are not sealed")
    for qw(key value user flash);
is((stat $file)[2] & 07777, 0600, 'and nobody else can read the file');
SxTest::done();
