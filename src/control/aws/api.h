// The ElastiCache API: from an HTTP request to the reply, through authentication, the form's
// fields, the action's handler, and XML.
//
// A handler whose transaction lost a race is run again, a few times. Refused calls (signature,
// form, unknown action) leave a line in the log. Protocol: AWS query, version 2015-02-02. Thread
// safety: Handle may be called from many threads at once.
#pragma once

#include <mutex>
#include <string>

#include "control/aws/action.h"
#include "control/aws/sigv4.h"
#include "http/server.h"

namespace kiln {

class Api {
 public:
  Api(ApiContext context, CredentialsLookup credentials)
      : context_(std::move(context)), credentials_(std::move(credentials)) {}

  HttpResponse Handle(const HttpRequest& request);

 private:
  ApiError Authenticate(const HttpRequest& request) const;
  HttpResponse Run(const Action& action, const Arguments::Fields& fields,
                   const std::string& request_id);

  ApiContext context_;
  std::mutex rerun_mutex_;  // Calls that lost a race run again one after the other.
  CredentialsLookup credentials_;
};

}  // namespace kiln
