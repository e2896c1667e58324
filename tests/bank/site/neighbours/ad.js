document.getElementById('result').textContent = 'FOREIGN SCRIPT RAN';
