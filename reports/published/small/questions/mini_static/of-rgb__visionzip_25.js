given("of-rgb__visionzip_25",{"outcomes":"122333323332332333223132","labels":null});
