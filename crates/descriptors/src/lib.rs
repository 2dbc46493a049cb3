//! How each model is configured in VPP.
