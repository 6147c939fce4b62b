given("of-rgb__visionzip_10",{"outcomes":"222363331233312123122335","labels":null});
