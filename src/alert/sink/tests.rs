//! Tests follow here, one behaviour each.
