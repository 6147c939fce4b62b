given("of-rgb__visionzip_5",{"outcomes":"332333223332332333233332","labels":null});
