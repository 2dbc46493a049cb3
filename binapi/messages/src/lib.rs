//! Every distinct revision of every VPP API message.
