//! Asynchronous client of the VPP binary API over its unix socket.
