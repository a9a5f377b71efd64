#include "control/aws/api.h"

#include <fmt/format.h>
#include <openssl/rand.h>

#include "base/check.h"
#include "base/log.h"
#include "control/aws/query.h"

namespace kiln {
namespace {

constexpr std::string_view kVersion = "2015-02-02";
constexpr std::string_view kXmlNamespace = "http://elasticache.amazonaws.com/doc/2015-02-02/";
constexpr std::string_view kService = "elasticache";
constexpr int kMaxRuns = 20;  // Of one handler, until its transaction meets no other's change.

// A random UUID (RFC 9562, version 4).
std::string NewRequestId() {
  unsigned char bytes[16];
  KILN_CHECK(RAND_bytes(bytes, sizeof(bytes)) == 1);
  bytes[6] = (bytes[6] & 0x0F) | 0x40;
  bytes[8] = (bytes[8] & 0x3F) | 0x80;
  std::string id;
  for (size_t i = 0; i < sizeof(bytes); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) id += '-';
    id += fmt::format("{:02x}", bytes[i]);
  }
  return id;
}

HttpResponse Reply(int status, std::string xml, const std::string& request_id) {
  return {status, "text/xml", {{"x-amzn-RequestId", request_id}}, std::move(xml)};
}

HttpResponse ErrorReply(const ApiError& error, const std::string& request_id) {
  const FaultRow& row = RowOf(error.fault);
  XmlWriter xml;
  xml.Open("ErrorResponse", kXmlNamespace);
  xml.Element("Error", [&] {
    xml.Text("Type", row.http_status < 500 ? "Sender" : "Receiver");
    xml.Text("Code", row.code);
    xml.Text("Message", error.message);
  });
  xml.Text("RequestId", request_id);
  xml.Close("ErrorResponse");
  return Reply(row.http_status, xml.text(), request_id);
}

// Never tells what the request said of itself: it may hold a secret in the wrong place.
HttpResponse Refuse(const HttpRequest& request, const ApiError& error,
                    const std::string& request_id) {
  Log(LogLevel::kNotice, fmt::format("Refused a call from {}: {} (request {})",
                                     request.remote_address, RowOf(error.fault).code, request_id));
  return ErrorReply(error, request_id);
}

ApiError ReadFields(const HttpRequest& request, Arguments::Fields* fields) {
  if (ApiError error = DecodeForm(request.Query(), fields)) return error;
  if (request.method == "GET") return NoError();
  return DecodeForm(request.body, fields);
}

ApiError FindCalled(const Arguments::Fields& fields, const Action** action) {
  auto name = fields.find("Action");
  if (name == fields.end() || name->second.empty()) {
    return {Fault::kMissingAction, "The request must contain the parameter Action."};
  }
  auto version = fields.find("Version");
  std::string_view wanted = version == fields.end() ? kVersion : std::string_view(version->second);
  *action = wanted == kVersion ? FindAction(name->second) : nullptr;
  if (*action != nullptr) return NoError();
  return {Fault::kInvalidAction,
          fmt::format("Could not find operation {} for version {}", name->second, wanted)};
}

}  // namespace

ApiError Api::Authenticate(const HttpRequest& request) const {
  return VerifySigV4(request, {context_.site.region, kService}, context_.now_ms(), credentials_);
}

HttpResponse Api::Handle(const HttpRequest& request) {
  std::string request_id = NewRequestId();
  if (ApiError error = Authenticate(request)) return Refuse(request, error, request_id);
  Arguments::Fields fields;
  if (ApiError error = ReadFields(request, &fields)) return Refuse(request, error, request_id);
  const Action* action = nullptr;
  if (ApiError error = FindCalled(fields, &action)) return Refuse(request, error, request_id);
  return Run(*action, fields, request_id);
}

HttpResponse Api::Run(const Action& action, const Arguments::Fields& fields,
                      const std::string& request_id) {
  if (action.handler == nullptr) {
    return ErrorReply({Fault::kUnsupportedOperation,
                       fmt::format("Kiln does not support the operation {}.", action.name)},
                      request_id);
  }
  ApiError error;
  std::unique_lock<std::mutex> lock(rerun_mutex_, std::defer_lock);
  for (int run = 0; run < kMaxRuns; ++run) {
    if (run == 1) lock.lock();
    Arguments args(fields);
    XmlWriter xml;
    std::string response = fmt::format("{}Response", action.name);
    std::string result = fmt::format("{}Result", action.name);
    xml.Open(response, kXmlNamespace);
    if (action.has_result) xml.Open(result);
    ActionCall call{args, xml, context_};
    error = action.handler(call);
    if (!error) {
      if (action.has_result) xml.Close(result);
      xml.Element("ResponseMetadata", [&] { xml.Text("RequestId", request_id); });
      xml.Close(response);
      return Reply(200, xml.text(), request_id);
    }
    if (error.fault != Fault::kServiceUnavailable) break;
  }
  return ErrorReply(error, request_id);
}

}  // namespace kiln
