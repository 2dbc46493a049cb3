//! stub
mod parse;
