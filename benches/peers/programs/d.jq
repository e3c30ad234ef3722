{time: (.ts | todate), event: .type, user_id: .user, amount: (.amount | if . then tonumber else . end),
 count: (.count | if . then tonumber else . end), ok: (.ok | if . then . == "true" else . end), session,
 schema: "event/1"}
