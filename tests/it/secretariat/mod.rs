//! The modules of the secretariat, each with the story of a real procedure.

mod committees;
