given("of-rgb__visionzip_10",{"outcomes":"332333223332332333223376","labels":null});
