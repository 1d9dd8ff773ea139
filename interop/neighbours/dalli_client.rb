# Dalli as a neighbour: see exchange.py for what comes and goes. Its modes are raw (the default), json, json,gzip and
# json,off, which compresses nothing.
require "base64"
require "dalli"
require "json"

task = JSON.parse($stdin.read)
servers = task["servers"].map { |host, port, weight| "#{host}:#{port}:#{weight}" }
serializer, compressor = (task["mode"] || "raw").split(",")
options = { compress: task.key?("mode") && compressor != "off" }
options[:serializer] = JSON if serializer == "json"
options[:compressor] = Dalli::GzipCompressor if compressor == "gzip"
# Dalli puts the colon behind its namespace by itself.
options[:namespace] = task["prefix"].delete_suffix(":") unless task["prefix"].empty?
client = Dalli::Client.new(servers, options)

value_of = lambda do |value|
  kind, content = value.first
  case kind
  when "integer" then serializer == "json" ? Integer(content) : content
  when "float" then Float(content)
  when "bytes" then Base64.strict_decode64(content)
  when "null" then nil
  else content
  end
end

describe = lambda do |value|
  case value
  when nil then nil
  when Integer then { "integer" => value.to_s }
  when Float then { "float" => value.to_s }
  when true, false then { "boolean" => value }
  when String then { "bytes" => Base64.strict_encode64(value) }
  else { "json" => value }
  end
end

stored = task["write"].map do |item|
  value = item["value"]
  # Bytes are no JSON.
  is_raw = !value.key?("object") && (serializer == "raw" || value.key?("bytes"))
  client.set(item["key"], value_of.call(value), nil, raw: is_raw)
end
found = task["read"].map { |key| describe.call(client.get(key)) }
$stdout.write JSON.generate("version" => Dalli::VERSION, "stored" => stored.map { |cas| cas ? true : false }, "found" => found)
