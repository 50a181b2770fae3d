import '../lib/card.css';
