# SPDX-License-Identifier: Apache-2.0
package Counter;

use strict;
use warnings;

use Apache2::Const -compile => 'OK';
use Apache2::RequestIO ();
use Apache2::RequestRec ();
use APR::Table ();
use SessionExt;

sub handler
{
    my ($r) = @_;
    my $session = SessionExt->new({ %{ $r->subprocess_env } });
    my $before = $session->get('visits') // 0;
    my @pairs = $session->incr('visits')->pairs;

    while (my ($name, $value) = splice @pairs, 0, 2) {
        $r->headers_out->add($name => $value);
    }
    $r->content_type('text/plain');
    $r->print("Visits before this one: $before\n");
    return Apache2::Const::OK;
}

1;
