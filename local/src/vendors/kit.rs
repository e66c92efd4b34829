//! What every simulator is made of: a clock, switches, faults, a call counter, limits, an outbox of webhooks and
//! the control calls that steer them. Imports no vendor.

mod calls;
mod clock;
mod control;
mod faults;
mod gate;
mod glob;
mod ids;
mod lagged;
mod limits;
mod outbox;
mod plain;
mod seats;
mod serve;
mod switches;
mod vendor;

pub use self::{
    calls::Calls,
    clock::Clock,
    control::{ControlError, control_router, object_of, parse_object, text_of},
    faults::{Actor, Fault, FaultKind, Faults, WebhookFault},
    gate::{TimedOut, gate},
    ids::Ids,
    lagged::Lagged,
    limits::{Limits, Window},
    outbox::{Carrier, Letter, Outbox, Parcel},
    plain::plain_http,
    seats::{Seat, Seats},
    serve::{Serving, serve},
    switches::{Switch, Switches, Values},
    vendor::{Caller, Core, Vendor, rfc3339},
};
