given("of-rgb__visionzip_25",{"outcomes":"223223331233312123332333","labels":null});
