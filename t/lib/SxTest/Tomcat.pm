# SPDX-License-Identifier: Apache-2.0
# A Tomcat that speaks AJP and nothing else, with one page: it sends the header
# lines that its query has as `h`, and shows the request headers it got as a CGI
# would. From Debian's libtomcat10-java and any Java.
package SxTest::Tomcat;

use strict;
use warnings;

use SxTest::Daemon;

my $SERVER = <<'XML';
<Server port="-1">
  <Service name="Catalina">
    <Connector protocol="AJP/1.3" address="127.0.0.1" port="PORT"
               secretRequired="false" packetSize="65536" />
    <Engine name="Catalina" defaultHost="localhost">
      <Host name="localhost" appBase="none" autoDeploy="false">
        <Context path="" docBase="DIR/pages" />
      </Host>
    </Engine>
  </Service>
</Server>
XML

my $WEB = <<'XML';
<web-app>
  <servlet>
    <servlet-name>jsp</servlet-name>
    <servlet-class>org.apache.jasper.servlet.JspServlet</servlet-class>
  </servlet>
  <servlet-mapping>
    <servlet-name>jsp</servlet-name>
    <url-pattern>*.jsp</url-pattern>
  </servlet-mapping>
</web-app>
XML

my $PAGE = <<'JSP';
<%@ page contentType="text/plain;charset=ISO-8859-1" session="false"
%><%
String[] lines = request.getParameterValues("h");
for (String line : lines == null ? new String[0] : lines) {
    int at = line.indexOf(": ");
    response.addHeader(line.substring(0, at), line.substring(at + 2));
}
String status = request.getParameter("status");
if (status != null) response.setStatus(Integer.parseInt(status));
for (String name : java.util.Collections.list(request.getHeaderNames()))
    out.print("HTTP_" + name.toUpperCase().replace('-', '_') + "="
        + request.getHeader(name) + "\n");
%>
JSP

sub _write
{
    my ($file, $text) = @_;
    open my $out, '>', $file or die "$file: $!\n";
    print $out $text;
    close $out or die "$file: $!\n";
    return;
}

# Its libraries without their versions, which are other names of the same.
sub _jars
{
    return grep { !/-i18n-|-\d[\d.]*\.jar$/ }
        glob '/usr/share/java/{tomcat10-*,eclipse-jdt-core}.jar';
}

# dir: one that is not there yet.
sub start
{
    my ($class, %opt) = @_;
    my $dir = $opt{dir};
    my @jars = _jars() or die "no Tomcat: libtomcat10-java is not installed\n";
    my $port = SxTest::Paths::free_port();
    mkdir $_ for $dir, map { "$dir/$_" } qw(conf lib logs pages temp work);
    _write("$dir/conf/server.xml", $SERVER =~ s/PORT/$port/r =~ s/DIR/$dir/r);
    _write("$dir/conf/web.xml", $WEB);
    _write("$dir/pages/app.jsp", $PAGE);
    return SxTest::Daemon->start(name => 'tomcat', port => $port, log => "$dir/logs/output",
        command => ['java', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC',
            '-Xmx96m', "-Dcatalina.base=$dir", "-Dcatalina.home=$dir",
            "-Djava.io.tmpdir=$dir/temp", '-cp', join(':', @jars),
            'org.apache.catalina.startup.Bootstrap', 'start']);
}

1;
