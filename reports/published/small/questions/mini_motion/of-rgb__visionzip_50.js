given("of-rgb__visionzip_50",{"outcomes":"223331233233312123332313","labels":null});
