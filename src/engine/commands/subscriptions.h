// What other commands do to a client's subscriptions.
#pragma once

namespace kiln {

struct Call;

// Leaves all channels and patterns, without replies.
void LeaveAllChannels(Call& call);
// The client changed its protocol: messages come in the new one from now on.
void RenewSubscriptions(Call& call);

}  // namespace kiln
