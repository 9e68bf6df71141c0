/** Images that Docker Hub has under a bare name: `FROM node` means one of these, whatever a folder is called. */
const OFFICIAL: ReadonlySet<string> = new Set(
  `adminer aerospike almalinux alpine alt amazoncorretto amazonlinux api-firewall arangodb archlinux backdrop bash bonita
  buildpack-deps busybox caddy cassandra centos chronograf cirros clearlinux clefos clojure composer consul convertigo
  couchbase couchdb crate crux dart debian docker dotnet drupal eclipse-mosquitto eclipse-temurin eggdrop elasticsearch
  elixir emqx erlang euleros express-gateway fedora flink fluentd friendica gazebo gcc geonetwork ghost golang gradle
  groovy haproxy haskell haxe hello-world hitch httpd hylang ibex ibm-semeru-runtimes ibmjava influxdb irssi java
  jenkins jetty jobber joomla jruby julia kaazing-gateway kapacitor kibana known kong krakend lightstreamer liquibase
  logstash mageia mariadb matomo maven mediawiki memcached mono mongo mongo-express mysql nats nats-streaming
  neo4j neurodebian nextcloud nginx node notary nuxeo odoo open-liberty openjdk opensuse oraclelinux orientdb percona perl
  photon php phpmyadmin piwik plone postfixadmin postgres python pypy r-base rabbitmq rakudo-star rapidoid redis redmine
  registry rethinkdb rocket.chat rockylinux ros ruby rust sapmachine satosa scratch sentry silverpeas sl solr sonarqube
  sourcemage spark spiped storm swift swipl teamspeak telegraf thrift tomcat tomee traefik ubuntu unit valkey varnish vault
  websphere-liberty wordpress xwiki yourls znc zookeeper`.split(/\s+/),
);

/** Whether Docker Hub itself has an image of that name, without an owner before it. */
export function isOfficial(name: string): boolean {
  return OFFICIAL.has(name);
}
