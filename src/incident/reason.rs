//! Reasons: codes for and against a verdict, each with the sentence which says what was counted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Its code, for machines.
    pub code: ReasonCode,
    /// What was seen, with numbers, for people.
    pub text: String,
}

/// The closed set of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReasonCode {
    /// Prefixes of name servers were withdrawn.
    NameServerPrefixesLost,
    /// Other name servers were not concerned.
    NameServersLeft,
    /// Prefixes of the service's own addresses were withdrawn.
    ServicePrefixesLost,
    /// A less specific route was left.
    CoverPresent,
    /// No route was left.
    NoRouteLeft,
    /// No table was known, so whether a less specific route was left cannot be told.
    CoverNotKnown,
    /// Prefixes were lost at some vantages only.
    PartialLoss,
    /// The lost paths share an AS which no surviving path has.
    CommonTransit,
    /// The failing probes are behind that AS.
    ProbeBehindTransit,
    /// Where the failing probes are is not in the profile.
    ProbeNotMatched,
    /// Another AS originates a prefix.
    ForeignOrigin,
    /// No prefix it depends on was withdrawn.
    RoutesPresent,
    /// Prefixes were lost and back, again and again perhaps, each time before the loss had held.
    PrefixesFlapped,
    /// Withdrawals in this incident concern other prefixes.
    OtherPrefixesLost,
    /// The routing side could not tell.
    RoutingBlind,
    /// Some collectors recorded nothing for a while; enough others did.
    FeedGap,
    /// Nothing was observed of BGP.
    RoutingNotObserved,
    /// DNS failed after the withdrawal.
    DnsAfterWithdrawal,
    /// The service failed after the withdrawal.
    ServiceAfterWithdrawal,
    /// Something failed at about the time of the withdrawal; which came first cannot be told.
    OrderNotDecided,
    /// Something below failed before the withdrawal.
    FailedBeforeWithdrawal,
    /// Resolvers fail.
    ResolversFail,
    /// Resolvers answer.
    ResolversAnswer,
    /// Name servers do not answer when asked directly.
    AuthoritiesFail,
    /// Name servers answer when asked directly.
    AuthoritiesAnswer,
    /// Resolvers name a DNSSEC error.
    DnssecError,
    /// The service answers at its addresses.
    AnswersByAddress,
    /// The service fails at its own addresses, whose prefixes were not withdrawn.
    FailsWithRoutesUp,
    /// The service was reached, and is not up.
    ReachedButNotUp,
    /// Wrong content was served.
    WrongContent,
    /// The service could not be reached.
    NotReached,
    /// Reports say that it does not work.
    ReportedDown,
    /// Reports say that it works.
    ReportedUp,
    /// It was probed and is well.
    ProbedWell,
    /// Nobody probed it.
    NotProbed,
    /// Controls worked at the vantages where it failed.
    ControlsWell,
    /// Controls failed too.
    ControlsFail,
    /// No control was probed.
    NoControls,
    /// It fails at some vantages only.
    SomeVantagesOnly,
    /// What it depends on is not wholly known.
    DependenciesUnknown,
}

impl ReasonCode {
    /// With its sentence.
    pub fn says(self, text: impl Into<String>) -> Reason {
        Reason { code: self, text: text.into() }
    }
}
