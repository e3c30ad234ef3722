//! The files Vitesse generates.
