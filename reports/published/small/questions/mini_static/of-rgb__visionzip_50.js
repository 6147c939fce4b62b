given("of-rgb__visionzip_50",{"outcomes":"332313323332122333233322","labels":null});
