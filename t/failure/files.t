# SPDX-License-Identifier: Apache-2.0
# A directory of sessions fails: a table of docs/failure.md.
use SxTest;
use SxTest::Failure;

# What is done to the directory.
package Directory;

sub begin
{
    my ($self, $server) = @_;
    $self->{dir} = $server->runtime_dir . '/sessions';
    $self->{mode} = (stat $self->{dir})[2] & 07777;
    return;
}

sub does
{
    my ($self, $what) = @_;
    my $dir = $self->{dir};
    if ($what eq 'locked') { chmod 0, $dir or die "$dir: $!\n" }
    if ($what eq 'kept') { chmod 0500, $_ for $dir, glob "$dir/[0-9a-f]*" }
    return if $what ne 'pass';
    chmod $self->{mode}, $_ for $dir, glob "$dir/[0-9a-f]*";
    return;
}

package main;

SxTest::Failure::check('Files', peer => bless({}, 'Directory'),
    store => 'file:run/sessions',
    faults => {
        'the directory may not be entered' => ['locked'],
        'nothing may be written in it'     => ['kept'],
    });
SxTest::done();
