given("of-rgb__visionzip_5",{"outcomes":"223263331233233333333326","labels":null});
