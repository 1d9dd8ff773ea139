# Dalli as a neighbour: see exchange.py for what comes and goes. Raw, as its other values are Marshal's.
require "base64"
require "dalli"
require "json"

task = JSON.parse($stdin.read)
servers = task["servers"].map { |host, port, weight| "#{host}:#{port}:#{weight}" }
# Dalli puts the colon behind its namespace by itself.
namespace = task["prefix"].empty? ? nil : task["prefix"].delete_suffix(":")
client = Dalli::Client.new(servers, compress: false, namespace: namespace)

value_of = lambda do |value|
  value["text"] || value["integer"] || Base64.strict_decode64(value["bytes"])
end

stored = task["write"].map do |item|
  if item["value"].key?("object")
    client.set(item["key"], item["value"]["object"])
  else
    client.set(item["key"], value_of.call(item["value"]), nil, raw: true)
  end
end
found = task["read"].map do |key|
  value = client.get(key)
  value.nil? ? nil : { "bytes" => Base64.strict_encode64(value) }
end
$stdout.write JSON.generate("version" => Dalli::VERSION, "stored" => stored.map { |cas| cas ? true : false }, "found" => found)
