'use strict';

document.getElementById('open').addEventListener('click', () => {
	const other = window.open('https://phish.example/', '_blank');
	document.getElementById('result').textContent = other ? 'A WINDOW OPENED' : 'NO WINDOW OPENED';
});
